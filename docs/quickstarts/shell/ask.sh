#!/usr/bin/env bash
# Ask, read the reply, and say that it was useful: with kcat and jq.
set -euo pipefail
bootstrap=${KAFKA_BOOTSTRAP:-localhost:9092}
namespace=${WEIR_NAMESPACE:-weir}
id=$(cat /proc/sys/kernel/random/uuid)
since=$(($(date +%s%3N) - 60000)) # by time: nothing that comes from now on is missed

jq -cn --arg text "$1" '{app: "default", messages: [{role: "user", content: $text}]}' |
  kcat -P -b "$bootstrap" -t "$namespace.requests" -H "ce_id=$id"

# kcat would read on for ever: it is ended once jq has found the reply, or after two minutes.
exec 3< <(exec timeout 120 kcat -C -q -u -b "$bootstrap" -t "$namespace.replies" -o "s@$since" -X isolation.level=read_committed)
reading=$!
reply=$(jq -cn --arg id "$id" 'first(inputs | select(.request_id == $id and .final))' <&3)
kill "$reading" 2>/dev/null || true
[ -n "$reply" ] || { echo "no reply within two minutes" >&2; exit 1; }
jq -r '"\(.status) \(.text // .code)"' <<<"$reply"

jq -cn --arg id "$id" '{app: "default", request_id: $id, thumb: "up"}' |
  kcat -P -b "$bootstrap" -t "$namespace.feedback"
