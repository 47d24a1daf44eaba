"""How soon a key pressed in the console's form is committed and painted on the booth's screen 2.

On the way there, once: how soon a booking stands in the advisor's queue.

The server tells the booth of an answer only after the transaction that holds it is committed, so what is painted is
saved; the bench reads the draft again from a fresh page at its end all the same. Both pages read one machine's clock.
"""

from __future__ import annotations

from typing import Any

from cvq_advisor_console.bench.conditions import BenchError, Watch
from cvq_advisor_console.bench.visit_in_call import VisitInCall, visit_in_call
from cvq_core.bench.harness import BenchOptions, percentile_ms

ROUNDS_MIN = 5
WORD = "Marie-Louise"
FIELDS = ("child_family_name", "child_given_name", "school", "guardian_name")

NOTE_KEYS = """() => {
    window.cvqKeys = [];
    document.addEventListener('keydown', () => cvqKeys.push(performance.timeOrigin + performance.now()), true);
}"""

NOTE_PAINTS = """() => {
    window.cvqPaints = {};
    let last = '';
    new MutationObserver(() => {
        const value = document.querySelector('#scene .now-writing .value')?.textContent.trim() ?? '';
        if (value === last) return;
        last = value;
        // A message that is sent while a frame is made arrives when the frame is painted.
        requestAnimationFrame(() => {
            const painted = new MessageChannel();
            painted.port1.onmessage = () => { cvqPaints[value] = performance.timeOrigin + performance.now(); };
            painted.port2.postMessage(0);
        });
    }).observe(document.getElementById('scene'), { childList: true, characterData: true, subtree: true });
}"""


async def run(options: BenchOptions) -> dict[str, Any]:
    """Press the keys of one word a round, each once the last one is seen; return the bench's object.

    Raises:
        BenchError: fewer than five rounds, a key that was never painted, or a draft that was not kept.
        BrowserMissing: browsers cannot run here.
    """
    if options.rounds < ROUNDS_MIN:
        raise BenchError(f"{options.rounds} rounds make no median; at least {ROUNDS_MIN}")
    watch = Watch()
    async with visit_in_call(database_url=options.database_url or "") as visit:
        await visit.console.evaluate(NOTE_KEYS)
        await visit.screen_2.evaluate(NOTE_PAINTS)
        rounds_ms = [await _round(visit, number) for number in range(options.rounds)]
        kept = await _kept(visit)
        conditions = watch.conditions() | {
            "rounds": options.rounds,
            "chromium": visit.chromium,
            "database": "postgresql" if options.database_url else "sqlite",
        }
    return result(rounds_ms, visit.queue_ms, conditions | {"drafts_kept": kept})


def result(rounds_ms: list[list[float]], queue_ms: float, conditions: dict[str, object]) -> dict[str, Any]:
    """Return the bench's object (`bench`, `ratios`, `figures`, `conditions`) of each round's delays in milliseconds."""
    delays_s = [delay_ms / 1000 for one in rounds_ms for delay_ms in one]
    return {
        "bench": "mirror",
        "ratios": {},
        "figures": {
            "mirror_p50_ms": round(percentile_ms(delays_s, 0.5), 1),
            "mirror_p95_ms": round(percentile_ms(delays_s, 0.95), 1),
            "mirror_max_ms": round(percentile_ms(delays_s, 1.0), 1),
            "mirror_rounds_p95_ms": [
                round(percentile_ms([delay_ms / 1000 for delay_ms in one], 0.95), 1) for one in rounds_ms
            ],
            "mirror_keys": len(delays_s),
            "queue_ms": round(queue_ms, 1),
        },
        "conditions": conditions,
    }


async def _round(visit: VisitInCall, number: int) -> list[float]:
    field = visit.console.locator(f"[name={FIELDS[number % len(FIELDS)]}]")
    await field.fill(str(number))
    await visit.is_mirrored(str(number))
    await field.press("End")
    delays, typed = [], str(number)
    for letter in WORD:
        typed += letter
        await visit.console.evaluate("() => { cvqKeys.length = 0; }")
        await visit.console.keyboard.press(letter)
        await visit.is_mirrored(typed)
        await visit.screen_2.wait_for_function("value => value in cvqPaints", arg=typed)
        pressed = await visit.console.evaluate("cvqKeys[0]")
        delays.append(await visit.screen_2.evaluate("value => cvqPaints[value]", typed) - pressed)
    return delays


async def _kept(visit: VisitInCall) -> bool:
    """Whether a page that knows nothing reads the same answers from the server."""
    written = await _answers(visit)
    await visit.console.evaluate("() => sessionStorage.removeItem('drafts')")
    await visit.console.reload()
    await visit.console.locator("form[data-draft-url]").wait_for(state="attached")
    if await _answers(visit) != written:
        raise BenchError("what was painted had not been kept")
    return True


async def _answers(visit: VisitInCall) -> list[str]:
    return [await visit.console.locator(f"[name={field}]").input_value() for field in FIELDS]
