"""What the web process is told: a ring of the last hour a sensor, the newest values, documents, refused lines, bytes.

ring.py       the hour of one sensor
rings.py      those of all sensors, and their newest readings
feeder.py     what is sent while somebody looks, and the answers to what is asked
protocol.py   messages over a socket pair, as bytes and back
child.py      the web process as a child
host.py       keeps it running, and carries the messages
"""
