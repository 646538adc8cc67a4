"""A day of readings as a picture, from what subscribe.py wrote: a line a sensor, shaded from the lowest to the highest.

    python plot_day.py day.jsonl day.png

Needs pandas and matplotlib. Each step is a cell of a notebook, as it stands.
"""

# %% The readings, in order. What was replayed after an outage is put in its place by its time.
import sys

import matplotlib
import pandas as pd

matplotlib.use("Agg")  # without a screen; leave it out in a notebook
import matplotlib.pyplot as plt

source, target = sys.argv[1:3]
day = pd.read_json(source, lines=True)
day["time"] = pd.to_datetime(day["time"], utc=True)
day = day.sort_values(["time", "seq"])
day["name"] = day["board"] + " " + day["sensor"]

# %% What is known of each sensor.
print(day.groupby(["name", "unit"])["value"].describe()[["count", "mean", "min", "max"]].round(2).to_string())
print(f"{(day['quality'] != 'ok').mean():.1%} of the readings are not ok:", day["quality"].value_counts().to_dict())

# %% The picture: a row a unit, a point a minute or, in a short recording, a second.
step = "1min" if day["time"].max() - day["time"].min() > pd.Timedelta("1h") else "1s"
units = list(day["unit"].unique())
figure, axes = plt.subplots(len(units), figsize=(12, 3.5 * len(units)), squeeze=False, sharex=True)
for axis, unit in zip(axes[:, 0], units, strict=True):
    for name, one in day[day["unit"] == unit].groupby("name"):
        value = one.set_index("time")["value"].resample(step)
        line = axis.plot(value.mean().dropna(), linewidth=1.2, label=name)[0]
        low, high = value.min().dropna(), value.max().dropna()
        axis.fill_between(low.index, low, high, color=line.get_color(), alpha=0.2, linewidth=0)
    axis.set_ylabel(unit or "value")
    axis.grid(alpha=0.3)
    axis.legend(loc="lower left", bbox_to_anchor=(0, 1), fontsize="small", ncols=6, frameon=False)
    axis.margins(x=0)
figure.autofmt_xdate()
figure.tight_layout()
figure.savefig(target, dpi=120)
