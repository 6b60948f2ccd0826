"""Make the data file from the table that is built into Praat: the one source of its rows.

    python scripts/vowel_data.py > moe_tutorial/data/peterson_barney_1952.csv

Needs praat-parselmouth. The test `tests/test_vowel_data.py` makes the rows anew and compares all of them.
"""

import csv
import sys

COLUMNS = ("group", "sex", "speaker", "vowel", "repetition", "f0", "f1", "f2", "f3")


def rows():
    """The 1520 rows, each a tuple of strings in the order of COLUMNS.

    The repetition is not a column of Praat's table: a speaker's two tokens of a vowel stand one after the other
    in it, the first is called 1 and the second 2.
    """
    import parselmouth

    call = parselmouth.praat.call
    table = call("Create formant table (Peterson & Barney 1952)")
    seen = set()
    for row in range(1, call(table, "Get number of rows") + 1):
        group, sex, speaker, vowel, *formants = (
            call(table, "Get value", row, column)
            for column in ("Type", "Sex", "Speaker", "Vowel", "F0", "F1", "F2", "F3")
        )
        repetition = "2" if (speaker, vowel) in seen else "1"
        seen.add((speaker, vowel))
        yield (group, sex, speaker, vowel, repetition, *formants)


if __name__ == "__main__":
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows())
