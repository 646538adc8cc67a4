"""TOML -> checked values; all problems at once, by path, with a way out.

load(path)                  a Config, or Wrong with every problem
problems(text, where)       every problem of a configuration that is not running yet
warnings(config)            what will run, and is unwise
plan(config)                what would run, for `gateway check`
changes(before, now)        what is different in one that was read again
plan_for(config, …)         how the readings of one sensor become features
treatments_for(config, …)   what is done with values before they are readings: name, unit, calibration
starting_configuration(…)   the text of a first gateway.toml, for `gateway init`
"""

from .changes import changes
from .checked import Config, Mqtt, Rule, host_id, plan_for, treatments_for
from .load import Wrong, load, problems
from .plan import lines, plan
from .starting import starting_configuration
from .warnings import warnings

__all__ = [
    "Config", "Mqtt", "Rule", "Wrong", "changes", "host_id", "lines", "load", "plan", "plan_for", "problems",
    "starting_configuration", "treatments_for", "warnings",
]  # fmt: skip
