"""batsched's energy family: EASY backfilling on a timetable in which idle hosts are put to sleep and woken again.

One compiled function per member (`decide`), all on the same memory (`layout`). The rules are those of batsched 1.4.0
(M. Poquet and others, "energy_bf" and its variants), told in docs/energy-bf.md.
"""
