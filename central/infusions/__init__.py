"""Drip reminders: computed from volume, drop factor and rate; spoken at the bed; confirmed by
the red button; and brought to a nurse anyway when nobody confirms.

Read in this order:

1. `drip.py`     the arithmetic: what is left, when it ends, when to speak. Pure.
2. `model.py`    the tables: a bottle, its append-only rate segments, its history.
3. `checks.py`   what a nurse may enter, and the words that say why not.
4. `service.py`  what a nurse does: start, rate, pause, re-baseline, next bottle, stop.
5. `prompts.py`  what the bed is asked to say: the schedule sent to its node.
6. `answers.py`  what the bed reports, and who looks when it reports nothing.
7. `web.py`      the pages of drips; `forms.py` those that start one; `shown.py` their words;
                 `chart.py` the level over time.

The way of a reminder: a nurse starts a bottle (`service.start`) → its schedule goes to the bed's
node with a revision (`prompts.plan`) → the node speaks when it is time, even while central is
away, and reports PROMPTED → the patient's press comes back as PRESS about this bottle and opens
an infusion call; no press brings UNCONFIRMED, which opens the same call with sharper words. When
the node reports nothing, a timer of central's own sends the nurse (`answers.not_spoken`).
"""
