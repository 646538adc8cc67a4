"""This room as the service sees it: the stage, and behind it the lane of users' own features."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..model import Drop, Features, Plan
from .custom.lane import Lane
from .custom.pieces import Custom
from .stage import Stage

if TYPE_CHECKING:
    from .cluster.cluster import Cluster

__all__ = ["Custom", "Remote", "Room"]

ANSWERING = 0.5  # s at a stop in which custom features may still answer


class Remote(NamedTuple):
    """A cluster that may compute as well. tcp://host:port, or tls://host:port with files; None is none."""

    address: str
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None


class Room:
    """Samples in (`take`), features out. plan, emit, dropped, event: see Stage. remote: None where there is none."""

    def __init__(
        self,
        plan: Callable[[str, str], Plan],
        emit: Callable[[list[Features]], None],
        dropped: Callable[[str, Drop, int], None],
        *,
        workers: int,
        linger: float,
        custom: Custom,
        event: Callable[..., None],
        remote: Remote | None = None,
    ) -> None:
        self.lane = Lane(custom, plan, emit, event)
        self.stage = Stage(plan, self.lane.put, dropped, workers=workers, linger=linger, event=event)
        self._remote, self._custom, self._event = remote, custom, event
        self.cluster: Cluster | None = None
        self.take, self.sensors, self.now = self.stage.take, self.stage.sensors, self.stage.now

    @property
    def began(self) -> float:
        """See Stage."""
        return self.stage.began

    async def start(self, began: float | None = None) -> None:
        """Starts all processes; returns when a worker has answered. Raises OSError when none can start.

        began: what times count from, s of the loop's clock; the present when None.
        """
        await self.stage.start(began)
        if self._remote is not None:
            self._join(self._remote)
        self.lane.start()

    def _join(self, remote: Remote) -> None:
        """Begins to ask a cluster, in the background. All that knows of one is imported here and not before."""
        from .cluster.batches import Batches
        from .cluster.cluster import Cluster
        from .cluster.setting import Setting

        stage = self.stage
        self.cluster = cluster = Cluster(Setting(*remote, self._custom), self._event)
        stage.join(Batches(cluster, stage.pool.size, stage.settle, stage.take_back))
        cluster.listen(stage.soon)
        self.lane.join(cluster)
        cluster.start()

    async def stop(self, patience: float) -> list[Features]:
        """Computes what waits, then ends all processes; gives what is not computed after `patience` seconds."""
        left = await self.stage.stop(patience)
        await self.lane.stop(min(ANSWERING, patience))
        if self.cluster is not None:
            await self.cluster.stop()
        return left

    async def end(self) -> None:
        """Ends all processes at once."""
        if self.cluster is not None:
            await self.cluster.stop()
        await self.lane.stop(0.0)
        await self.stage.pool.stop()

    def held(self, board: str) -> int:
        """Readings of `board` that have come in and not left."""
        return self.stage.held(board) + self.lane.held(board)

    def oldest(self) -> float:
        """When the oldest reading came that is here; s, on the clock of `now`; infinity when there is none."""
        return min(self.stage.oldest(), self.lane.oldest())

    def firsts(self) -> dict[tuple[str, str], int]:
        """The lowest seq that is here, by (board, sensor)."""
        return self.stage.firsts() | self.lane.firsts()

    def older(self, cut: float, beyond: Mapping[tuple[str, str], int]) -> list[Features]:
        """What came until `cut` and is here, in order within each sensor, as far as it is computed.

        beyond: by (board, sensor), the seq up to which nobody asks.
        """
        return [*self.lane.older(cut, beyond), *self.stage.older(cut, beyond)]

    def renew(self, board: str, sensor: str) -> None:
        """The next values of a sensor are not comparable with those before: no window has both."""
        self.lane.renew(board, sensor, self.stage.renew(board, sensor))

    def reload(self, plan: Callable[[str, str], Plan]) -> None:
        """The configuration was read again: `plan` counts from now on, and no custom feature is in quarantine."""
        self.stage.replan(plan)
        self.lane.replan(plan)
        self.lane.release()
        if self.cluster is not None:
            self.cluster.renew()

    def forget(self, board: str) -> None:
        """Lets go what is kept of a board that is not read any more, and of which nothing is here."""
        self.stage.forget(board)
        self.lane.forget(board)

    def look(self) -> dict[str, Any]:
        """What the status shows as `pool`."""
        cluster = {} if self.cluster is None else {"cluster": self.cluster.look()}
        return self.stage.pool.look() | self.lane.look() | cluster
