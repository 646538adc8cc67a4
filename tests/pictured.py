"""Pictures of a watched gateway as text, and the keys that are pressed before them."""

from dataclasses import replace

from gateway.watch.choice import Choice, pressed
from gateway.watch.listing import keys
from gateway.watch.picture import page, picture
from tests.watched import board, heard, reading, status


def many(boards=4, sensors=4, **more):
    """A gateway in the middle of it."""
    names = [(f"bench-{one + 1}", f"S{other + 1}") for one in range(boards) for other in range(sensors)]
    told = [board(name, sensors={}) for name in dict(names)]
    return heard(status(), *told, *(reading(seq, *name) for name in names for seq in (1, 2, 3)), status(**more))


def text(look, width=80, height=24, choice=None):
    """The picture without its styles, line by line."""
    one = page(look, choice or Choice(), width, height)
    return ["".join(part for part, _ in line) for line in picture(look, one, width, height)]


def after(presses, look, width=80, height=24):
    """The choice after these keys."""
    choice = Choice()
    for key in keys(presses):
        one = page(look, choice, width, height)
        choice = pressed(one.choice, key, one.room, one.titles, [column.title for column in one.columns])
    return choice


def turned(choice):
    """The other way round."""
    return replace(choice, listing=replace(choice.listing, reverse=True))
