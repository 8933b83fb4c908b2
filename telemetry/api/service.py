"""The state of the service: models, signals, tokens, store and caches, loaded again when their files change."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from wattq import __version__
from wattq.errors import WattqError
from wattq.settings import Settings, shown
from wattq.telemetry.api.access import Buckets, Keyring
from wattq.telemetry.api.answers import Health, ModelInfo, Prediction, Ready
from wattq.telemetry.api.bundles import describe_bundle, load_bundles
from wattq.telemetry.api.cache import MemoryCache, stable_key
from wattq.telemetry.api.logs import say
from wattq.telemetry.api.predictor import Predictor, iso
from wattq.telemetry.api.rates import load_grid
from wattq.telemetry.api.records import Opener, Records
from wattq.telemetry.api.redis_cache import RedisCache
from wattq.telemetry.api.requests import JobRequest
from wattq.telemetry.api.tokens import read_tokens
from wattq.telemetry.exporters import Book

__all__ = ["Service"]

_WATCH_S = 5.0
_PAST_S = 60.0


class Service:
    """What the routes and the gate share.

    Args:
        settings: of the service.
        opener: opens the store; None where there is none.
        clock: Unix s.
        debug: log tracebacks.

    Attributes:
        predictor: what predicts; replaced as a whole.
        keyring, buckets: who may ask, and how often.
        records: the store.
        book: metrics.

    Raises:
        WattqError: a bundle, a signal or the file of tokens is not what it must be.
    """

    def __init__(
        self,
        settings: Settings,
        opener: Opener | None = None,
        *,
        clock: Callable[[], float] = time.time,
        debug: bool = False,
    ) -> None:
        self.settings, self.clock, self.debug = settings, clock, debug
        self.predictor = Predictor.of(settings, load_bundles(settings.api), load_grid(settings))
        self.keyring = Keyring(read_tokens(settings.api.tokens) if settings.api.tokens else ())
        self.buckets = Buckets(settings.api.rate_per_s, settings.api.burst)
        self.book = Book("api")
        self.records = Records(opener)
        self._cache = MemoryCache(settings.api.cache_ttl_s, settings.api.cache_entries)
        self._redis: RedisCache | None = None
        self._began_s = time.monotonic()
        self._files = self._signatures()
        self._seen: object = None
        self._task: asyncio.Task[None] | None = None
        self._adopt(self.predictor)
        self._warm()
        for name in ("wattq_api_cache_hits_total", "wattq_api_cache_misses_total"):
            self.book.add(name, 0.0)

    def _adopt(self, predictor: Predictor) -> None:
        """Predict with this from now on; answers of another model, node or grid are not asked for again."""
        self.predictor, self._seen = predictor, None
        api = self.settings.api
        content: dict[str, Any] = {
            "node": self.settings.node.model_dump(exclude={"name"}),
            "signals": self.settings.signals.model_dump(exclude={"carbon", "price"}),
            "node_cores": api.node_cores,
            "forecast": api.forecast,
            "files": predictor.grid.digests,
        }
        self._variant = stable_key({"models": predictor.bundles.version, "settings": content, "format": 1})
        self.book.set("wattq_api_model_loaded", float(predictor.bundles.loaded))

    def _warm(self) -> None:
        """Predict once, so that compiled code is loaded before the first request."""
        if self.predictor.bundles.runtime is not None:
            self.predictor.forecast([JobRequest(hosts=1, walltime_s=3600.0, user="nobody")], self.clock())

    @property
    def asks_tokens(self) -> bool:
        """Whether callers must show a token; a file of tokens that is empty lets nobody in."""
        return bool(self.settings.api.tokens)

    # Predictions and their cache

    def key_of(self, request: JobRequest) -> str:
        """Return the key of a request: the same for equal requests, models and settings, in every process."""
        return stable_key({"variant": self._variant, "request": request.model_dump(mode="json", exclude_none=True)})

    def cached(self, body: bytes) -> bytes | None:
        """Return the answer to a body from this process's cache; None without one, or for a body that is no request."""
        try:
            request = JobRequest.model_validate_json(body)
        except ValidationError:
            return None
        found = self._cache.get(self.key_of(request))
        if found is not None:
            self.book.add("wattq_api_cache_hits_total")
        return found

    async def predict(self, request: JobRequest) -> bytes:
        """Return the answer to a request as JSON, from the caches or anew.

        Raises:
            NoModelError, UnpredictableError: as `wattq.telemetry.api.expect.expect`.
        """
        key = self.key_of(request)
        shared = await self._shared(key)
        if shared is not None:
            return shared
        self.book.add("wattq_api_cache_misses_total")
        answer = self.predictor.predict([request], self.clock())[0]
        kept = answer.model_copy(update={"from_cache": True}).model_dump_json().encode()
        self._cache.put(key, kept)
        if self._redis is not None:
            await self._redis.put(key, kept)
        return answer.model_dump_json().encode()

    async def _shared(self, key: str) -> bytes | None:
        """Return an answer that another process left in Redis, and keep it here for as long as it is there."""
        found = await self._redis.get(key) if self._redis is not None else None
        if found is None:
            return None
        try:
            Prediction.model_validate_json(found[0])
        except ValidationError:
            return None
        self._cache.put(key, found[0], found[1])
        self.book.add("wattq_api_cache_hits_total")
        return found[0]

    # What it says of itself

    async def health(self) -> Health:
        """Return whether the service predicts with a model."""
        loaded = self.predictor.bundles.loaded
        return Health(
            status="healthy" if loaded else "unhealthy",
            timestamp=iso(self.clock()),
            model_loaded=loaded,
            version=__version__,
            redis_connected=None if self._redis is None else await self._redis.ping(),
            uptime_s=time.monotonic() - self._began_s,
        )

    async def ready(self) -> Ready:
        """Return whether a model is loaded and the store, where one is set, answers."""
        loaded, state = self.predictor.bundles.loaded, "not set"
        if self.records.there:
            state = "answers" if await self.records.answers() else "away"
        return Ready.model_validate({"ready": loaded and state != "away", "model_loaded": loaded, "store": state})

    def model_info(self) -> ModelInfo:
        """Return what predicts, and from what."""
        predictor, past = self.predictor, self.predictor.past
        node = predictor.node
        return ModelInfo(
            model_version=predictor.bundles.version,
            runtime=describe_bundle(predictor.bundles.runtime),
            energy=describe_bundle(predictor.bundles.energy),
            node_power={f"at_{load}_percent": node.power_w(load / 100.0) for load in (0, 50, 100)},
            history={"jobs": past.n_jobs, "until": iso(past.until_s) if past.n_jobs else None},
            signals=predictor.grid.describe(),
        )

    def metrics(self) -> Book:
        """Return the metrics with the values of this moment."""
        self.book.set("wattq_api_uptime_seconds", time.monotonic() - self._began_s)
        return self.book

    def count(self, route: str, method: str, code: int, took_s: float) -> None:
        """Take note of a request that was answered."""
        self.book.add("wattq_api_requests_total", 1.0, (route, method, code))
        self.book.observe("wattq_api_request_duration_seconds", took_s, (route,))

    # Start, end, and what happens in between

    async def start(self) -> None:
        """Connect to Redis, read the past, and watch files and store from now on."""
        if self.settings.api.redis_url:
            self._redis = RedisCache(self.settings.api.redis_url, self.settings.api.cache_ttl_s)
            await self._redis.ping()
        await self.learn()
        self._task = asyncio.create_task(self._watch())
        for name in self._absent():
            say("warning", "file is not there yet; it is read once it is", setting=name)
        say("info", "started", version=__version__, model=self.predictor.bundles.version, store=self._store_shown())

    async def stop(self) -> None:
        """Stop watching and close what is open."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if self._redis is not None:
            await self._redis.close()
        await self.records.close()
        say("info", "stopped")

    def _store_shown(self) -> str | None:
        return shown(self.settings.store.url) if self.records.there else None

    async def _watch(self) -> None:
        next_past_s = time.monotonic() + _PAST_S
        while True:
            await asyncio.sleep(_WATCH_S)
            try:
                await self.reload()
                if time.monotonic() >= next_past_s:
                    next_past_s = time.monotonic() + _PAST_S
                    await self.learn()
            except Exception as error:
                # Whatever it is, files and store are looked at again; requests are answered meanwhile.
                say("error", "watching failed", error=repr(error))

    async def reload(self) -> None:
        """Load again what has changed on disk; a file that is damaged leaves what was loaded in use."""
        now = await asyncio.to_thread(self._signatures)
        if now == self._files:
            return
        changed = {name for name in now if now[name] != self._files.get(name)}
        self._files = now
        try:
            await asyncio.to_thread(self._load_again, changed)
        except WattqError as error:
            say("error", "a changed file cannot be used; what was loaded before stays", error=str(error))

    def _load_again(self, changed: set[str]) -> None:
        api, predictor = self.settings.api, self.predictor
        if "tokens" in changed:
            self.keyring.replace(read_tokens(api.tokens))
            say("info", "tokens loaded", tokens=len(self.keyring))
        if changed & {"runtime_model", "energy_model"}:
            predictor = replace(predictor, bundles=load_bundles(api))
        if changed & {"carbon", "price"}:
            predictor = replace(predictor, grid=load_grid(self.settings))
        if predictor is not self.predictor:
            self._adopt(predictor)
            say("info", "loaded", model=predictor.bundles.version)

    def _absent(self) -> list[str]:
        """Return the settings that name a file of a model which is not there."""
        paths = {
            "api.runtime_model": self.settings.api.runtime_model,
            "api.energy_model": self.settings.api.energy_model,
        }
        return [name for name, path in paths.items() if path and not Path(path).exists()]

    def _signatures(self) -> dict[str, list[int]]:
        """Return size and date of each file in use; none for one that is not there."""
        api, grid = self.settings.api, self.settings.signals
        paths = {"runtime_model": api.runtime_model, "energy_model": api.energy_model, "tokens": api.tokens}
        return {name: _signature(path) for name, path in {**paths, "carbon": grid.carbon, "price": grid.price}.items()}

    async def learn(self) -> None:
        """Learn from the store what users did, and how predictions turned out, where it has something new."""
        if not self.records.there:
            return
        try:
            seen = await self.records.latest()
            if seen == self._seen:
                return
            past, spread = await self.records.learn(past=self.predictor.bundles.runtime is not None)
        except (WattqError, TimeoutError) as error:
            say("warning", "the store does not answer; the past stays as it was", error=str(error))
            return
        self._seen = seen
        self.predictor = replace(self.predictor, past=past or self.predictor.past, spread=spread)


def _signature(path: str) -> list[int]:
    try:
        found = Path(path).stat() if path else None
    except OSError:
        return []
    return [] if found is None else [found.st_mtime_ns, found.st_size, found.st_ino]
