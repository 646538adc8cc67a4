"""Boards that must be asked: who is asked next on a port, with what, and which bytes are the answer.

asker.py     the questions and answers on one port, given the time and what has come
turns.py     one board's turns: pace, rounds, ever more rarely
endings.py   where an answer ends
party.py     one board that is asked: its questions, its answers' way into the account, its state
talk.py      all boards of one port, in the place of the hearing of a board that speaks by itself
rtu.py       Modbus RTU: the bytes of requests and answers
blocks.py    registers that are read in one request

For a port of which nobody knows what is on it (`gateway probe --ask`):
survey.py        what is asked, in which order; strange.py: how
modbus_units.py  which Modbus units answer, and what reads them
guesses.py       registers that could be temperatures
spoken.py        boards that are asked by text
"""
