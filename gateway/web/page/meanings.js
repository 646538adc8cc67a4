// What the reasons of refused lines mean, in a few words (docs/messages.md has more).

export const MEANINGS = new Map(
  Object.entries({
    too_long: "no end of a line, or of a frame, within max_line",
    not_a_number: "not a plain decimal number",
    not_finite: "nan, inf, or beyond what a float holds",
    wrong_unit: "a unit that cannot become the one asked for",
    wrong_columns: "another number of columns than before, or than configured",
    bad_checksum: "a checksum that does not agree, or is missing",
    bad_frame: "not the shape of its format, or garbage between frames",
    bad_name: "a name with characters that nobody sees: controls, marks without a width",
    error_mark: "the board's own mark for no value",
    too_many_sensors: "a new name beyond max_sensors",
    timeout: "no answer in time, or a record that did not go on",
    shared: "another program took part of the port's bytes",
    overrun: "the kernel had lost bytes",
    garbage: "most of what came was no text: wrong baud?",
    exception: "a Modbus unit refuses",
    wrong_answer: "an answer of another unit or function than was asked",
  }),
);
