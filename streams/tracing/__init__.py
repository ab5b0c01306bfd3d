"""OpenTelemetry spans of requests, from their arrival to their replies. Off unless a receiver is configured."""
