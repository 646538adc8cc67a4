"""What the field does to a gateway, done to a real one: see docs/faults.md, which is made from these tests.

rows.py    what a row is: its texts, its tier, its times       page.py, full.py   the page; the long run
scene.py   a street of real processes, and a fault in it       rules.py           what every row holds at its end
judge.py   what arrived, against what the boards wrote         proxy.py           what a network does
launch.py  starts the gateway metered, impatient or weakened   defences.py        what can be taken out of it
"""
