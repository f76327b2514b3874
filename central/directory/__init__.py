"""The telephone directory: people, phones, extensions, and who may dial what."""
