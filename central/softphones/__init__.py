"""What a telephone is given to log in: read off, typed in, or scanned by a softphone."""
