"""TOML -> checked values; all problems at once, by path, with a way out.

load(path)                  a Config, or Wrong with every problem
made(tables, path)          the same of tables that are in no file
problems(text, where)       every problem of a configuration that is not running yet
warnings(config)            what will run, and is unwise
plan(config)                what would run, for `gateway check`
changes(before, now)        what is different in one that was read again
plan_for(config, …)         how the readings of one sensor become features
sending_for(config, …)      which of its readings are sent, and its alarm
treatments_for(config, …)   what is done with values before they are readings: name, unit, calibration
starting_configuration(…)   the text of a first gateway.toml, for `gateway init`
presets(folder)             the files of all presets, by name, a user's own in `folder` too; and why not all
preset(name, folder)        one of them, checked; Unfit or Wrong
"""

from .changes import changes
from .checked import Config, Mqtt, Rule, Web, host_id, plan_for, sending_for, treatments_for
from .cluster import Cluster
from .load import board_of, load, made, preset, problems, with_presets
from .plan import lines, plan
from .presets import OWN, Preset, presets
from .source import Wrong
from .starting import Probed, starting_configuration
from .warnings import warnings
from .words import Unfit, toml

__all__ = [
    "OWN", "Cluster", "Config", "Mqtt", "Preset", "Probed", "Rule", "Unfit", "Web", "Wrong", "board_of", "changes",
    "host_id", "lines", "load", "made", "plan", "plan_for", "preset", "presets", "problems", "sending_for",
    "starting_configuration", "toml", "treatments_for", "warnings", "with_presets",
]  # fmt: skip
