"""The demo's ward on the screen: operate each bed, see its lamps, hear what was said."""
