"""The node's rules, sans-IO: inputs and clocks in, effects out. Runs on both Pythons.

`now_ms` everywhere is the node's steady clock; `drip_ms` the clock of infusions, which is the
same but in a demonstration may run faster. No wall clock is ever read.
"""
