"""EASY backfilling that saves energy: idle hosts sleep, jobs run in slower power states, wait for cleaner hours, obey a cap.

One compiled policy holds all of it (`green.decide_green`); the names of the registry (`sleep`, `dvfs`, `power-cap`,
`defer`, `carbon-gate`, `eco`) switch its parts on. With every part off it decides as `easy` does.
"""
