"""The same devices simulated behind real serial ports and mock pins."""
