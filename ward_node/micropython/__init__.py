"""The node on MicroPython: a communicator at one bed, with buttons, lights and a buzzer.

It has no loudspeaker, so it sounds tones and declines words (`Node.has_voice`).
"""
