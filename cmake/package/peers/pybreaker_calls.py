"""What a call through pybreaker costs beyond the call itself, in nanoseconds: the median of nine runs."""
import importlib.metadata
import statistics
import threading
import time

import pybreaker

CALLS = 20_000


def price():
    return 42


def ns_a_call(call):
    begun = time.perf_counter_ns()
    for _ in range(CALLS):
        call()
    return (time.perf_counter_ns() - begun) / CALLS


def cost(call, bare, threads):
    def run(work, results):
        results.append(ns_a_call(work))

    def on_threads(work):
        results = []
        running = [threading.Thread(target=run, args=(work, results)) for _ in range(threads)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
        return statistics.mean(results)

    return statistics.median(on_threads(call) - on_threads(bare) for _ in range(9))


def rejected(breaker):
    try:
        breaker.call(price)
    except pybreaker.CircuitBreakerError:
        return
    raise RuntimeError("the breaker is not open")


library = f"pybreaker {importlib.metadata.version('pybreaker')}"
healthy = pybreaker.CircuitBreaker(fail_max=3)
opened = pybreaker.CircuitBreaker(fail_max=1, reset_timeout=3600)
opened.open()
for number in (1, 2):
    print(library, "healthy", number, f"{cost(lambda: healthy.call(price), price, number):.1f}", sep="\t")
    print(library, "rejection", number, f"{cost(lambda: rejected(opened), price, number):.1f}", sep="\t")
