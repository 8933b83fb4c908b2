"""Write a made-up carbon intensity of 2021: 200 g/kWh on average, half as much again in the morning as at night."""

import sys
from datetime import UTC, datetime

from wattq.platforms.signals import daily_sinusoid, write_signal

start = datetime(2021, 1, 1, tzinfo=UTC).timestamp()
series = daily_sinusoid(start, 365, base=200.0, swing=0.5, quantity="carbon", unit="g/kWh", region="nowhere")
write_signal(series, sys.argv[1])
