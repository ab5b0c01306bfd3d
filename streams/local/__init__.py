"""The engines that one machine runs by itself: Kafka, ClickHouse, and the supervisor that keeps them.

Nothing here knows Weir's stages or settings: directories, ports and process specifications are passed in.
"""
