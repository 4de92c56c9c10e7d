"""The answers that are being made: by default in .waypost/streams.db, for the workers of this machine."""

from waypost.ai import ResumableStreams

streams = ResumableStreams()
