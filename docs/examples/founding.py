"""Eight sensors with fifty readings each through the founding pipeline, in batches of several sizes; and, for a figure
that means something, two hundred thousand records.

    python docs/examples/founding.py [RECORDS]
"""

import asyncio
import random
import sys
import time
from typing import Any

from gateway.pipeline import process


def made_up(sensors: int, readings: int) -> list[dict[str, Any]]:
    """Records as boards send them: each sensor in turn, a reading a second."""
    dice = random.Random(1)
    return [
        {"sensorId": f"S{k}", "timestamp": float(n), "value": round(dice.uniform(15, 95), 2), "unit": "°C"}
        for n in range(readings)
        for k in range(1, sensors + 1)
    ]


async def main(large: int) -> None:
    for records in (made_up(8, 50), made_up(8, large // 8)):
        for batch_size in (10, 20, 50, 200, 2000):
            began = time.perf_counter()
            results = await process(records, batch_size)
            took = time.perf_counter() - began
            rate = len(results) / took
            print(f"{len(results):>7,} records in batches of {batch_size:>5,}: {took:6.3f} s, {rate:>9,.0f} records/s")
    print(results[0])


asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000))
