"""EASY backfilling that saves energy: hosts sleep, jobs run slower, wait for cleaner hours and obey a cap.

One compiled policy holds all of it (`green.decide_green`); the names of the registry (`sleep`, `dvfs`, `power-cap`,
`defer`, `carbon-gate`, `eco`) switch its parts on. With every part off it decides as `easy` does.
"""
