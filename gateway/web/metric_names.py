"""The metrics: what each is called, and where in a status document its number stands."""

from typing import NamedTuple


class Metric(NamedTuple):
    """place: keys in the document; a table of reasons there gives a sample each. times: to its base unit."""

    name: str
    kind: str  # counter | gauge
    place: tuple[str, ...]
    told: str
    times: float = 1.0


def _counter(name: str, place: str, told: str) -> Metric:
    return Metric(f"gateway_{name}_total", "counter", tuple(place.split(".")), told)


def _gauge(name: str, place: str, told: str, times: float = 1.0) -> Metric:
    return Metric(f"gateway_{name}", "gauge", tuple(place.split(".")), told, times)


GATEWAY = (
    _gauge("start_time_seconds", "started", "When this run began."),
    _gauge("ledger_balanced", "balanced", "Whether each frame and each reading is accounted for: 1 or 0."),
    _counter("frames", "frames", "Frames that came in, noise among them."),
    _counter("frames_decoded", "decoded", "Frames that were decoded."),
    _counter("frames_noise", "noise", "Frames that are expected and no data."),
    _counter("frames_refused", "refused", "Frames that were refused."),
    _counter("values", "values", "Values that were asked for in decoded frames."),
    _counter("values_refused", "refused_values", "Values that were refused."),
    _counter("readings", "readings", "Readings: values that hold."),
    _counter("readings_inherited", "inherited", "Readings of earlier runs that were found in the spool."),
    _counter("readings_acknowledged", "acknowledged", "Readings that the broker has acknowledged."),
    _counter("readings_sent_unacknowledged", "sent_unacknowledged", "Readings sent to a broker without QoS 1."),
    _counter("readings_condensed", "condensed", "Readings that were not sent by themselves."),
    _counter("readings_dropped", "dropped", "Readings that were dropped."),
    _gauge("readings_in_flight", "in_flight", "Readings between the first queue and the broker."),
    _gauge("readings_spooled", "spooled", "Readings on the disk."),
    _gauge("alarms", "alarms", "Sensors whose alarm is on."),
    _gauge("broker_connected", "broker.connected", "Whether there is a connection to the broker: 1 or 0."),
    _counter("broker_reconnects", "broker.reconnects", "Connections to the broker after the first."),
    _gauge("spool_bytes", "spool.bytes", "Size of the spool's files."),
    _gauge("spool_oldest_timestamp_seconds", "spool.oldest", "When the oldest reading in the spool came."),
    _gauge("spool_left_seconds", "spool.hours_left", "How long the spool has room, at the present rate.", 3600.0),
    _gauge("pool_workers", "pool.workers", "Workers that are ready."),
    _counter("pool_batches", "pool.batches", "Batches that were computed."),
    _counter("pool_retried", "pool.retried", "Batches that were given to another worker."),
    _counter("pool_replaced", "pool.replaced", "Workers that were replaced."),
    _gauge("pool_quarantined", "pool.quarantined", "Features of the user's own that are not asked for now."),
    _gauge("cluster_workers", "pool.cluster.workers", "Workers of the cluster that are used."),
    _counter("cluster_batches", "pool.cluster.batches", "Batches and calls that the cluster was given."),
    _counter("cluster_returned", "pool.cluster.returned", "Of those, what came back to be computed here."),
    _counter("cluster_late", "pool.cluster.late", "Answers of the cluster that came after that."),
)  # fmt: skip

BOARD = (
    _gauge("board_state_timestamp_seconds", "since", "Since when the board has its state."),
    _gauge("board_alarms", "alarms", "Sensors of the board whose alarm is on."),
    _counter("board_received_bytes", "bytes", "Bytes that came from the board."),
    _counter("board_frames", "frames", "Frames that came from the board, noise among them."),
    _counter("board_frames_decoded", "decoded", "Frames of the board that were decoded."),
    _counter("board_frames_noise", "noise", "Frames of the board that are expected and no data."),
    _counter("board_frames_refused", "refused", "Frames of the board that were refused, by the reasons that occurred."),
    _counter("board_values", "values", "Values that were asked for in decoded frames of the board."),
    _counter("board_values_refused", "refused_values", "Values of the board that were refused."),
    _counter("board_readings", "readings", "Readings of the board."),
    _counter("board_readings_dropped", "dropped", "Readings of the board that were dropped."),
    _counter("board_reopened", "reopened", "Times that the board's port was opened after the first."),
    _counter("board_silences", "silences", "Times that the board fell silent."),
    _counter("board_dtr_pulses", "dtr_pulses", "Pulses on DTR against a silence."),
    _counter("board_overruns", "overruns", "Times that the kernel or the adapter has lost bytes."),
    _counter("board_line_errors", "line_errors", "Bytes with a wrong frame or parity."),
    _counter("board_retuned", "retuned", "Times that the board's baud rate was another one."),
    _counter("board_count_gaps", "count_gaps", "Records that never came, by the board's own numbers."),
    _counter("board_restarts", "restarts", "Restarts of the board, by its own numbers."),
)  # fmt: skip

OTHERS = {
    "gateway_info": ("gauge", "The gateway's name, version and run, as labels; always 1."),
    "gateway_boards": ("gauge", "Boards by state."),
    "gateway_cluster_connected": ("gauge", "Whether the cluster is used, where one is configured: 1 or 0."),
    "gateway_fault_present": ("gauge", "Faults of the gateway that are present now, 1 each."),
    "gateway_faults_total": ("counter", "Times that each fault of the gateway has begun."),
    "gateway_board_info": ("gauge", "The board's port, format and baud rate, as labels; always 1."),
    "gateway_board_state": ("gauge", "1 for the state that the board has, 0 for the others."),
    "gateway_board_fault_present": ("gauge", "Faults of the board that are present now, 1 each."),
    "gateway_sensor_value": ("gauge", "The newest value of the sensor, in its published unit."),
    "gateway_sensor_last_reading_timestamp_seconds": ("gauge", "When the newest reading of the sensor came."),
    "gateway_sensor_readings_total": ("counter", "Readings of the sensor in this run."),
    "gateway_sensor_ok": ("gauge", "Whether the sensor gives values that hold: 1 or 0."),
    "gateway_sensors_left_out": ("gauge", "Sensors beyond the most that are shown here."),
}

HELP = {metric.name: (metric.kind, metric.told) for metric in (*GATEWAY, *BOARD)} | OTHERS
"""Kind and explanation of every metric, by its name."""
