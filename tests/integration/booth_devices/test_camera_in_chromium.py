"""What Chromium films and hears through the virtual camera and microphone, at both ends of a call with itself."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import Page, async_playwright

from cvq_booth.virtual.camera import PAGE_SCRIPT, write_camera
from cvq_booth.virtual.figure import End
from cvq_booth.virtual.voice import write_voice

SELF_CALL = """
async () => {
  const stream = await navigator.mediaDevices.getUserMedia({ video: true, audio: true });
  const [here, there] = [new RTCPeerConnection(), new RTCPeerConnection()];
  here.onicecandidate = ({ candidate }) => there.addIceCandidate(candidate);
  there.onicecandidate = ({ candidate }) => here.addIceCandidate(candidate);
  const remote = new MediaStream();
  there.ontrack = ({ track }) => remote.addTrack(track);
  for (const track of stream.getTracks()) here.addTrack(track, stream);
  await here.setLocalDescription();
  await there.setRemoteDescription(here.localDescription);
  await there.setLocalDescription();
  await here.setRemoteDescription(there.localDescription);
  const watch = (source) => {
    const video = Object.assign(document.createElement("video"), { muted: true, srcObject: source });
    video.play();
    const marks = [];
    const look = () => {
      const mark = cvqMarks.readMark(video);
      if (mark) marks.push(`${mark.end} ${mark.frame}`);
      video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
    document.body.append(video);
    return marks;
  };
  window.seenHere = watch(stream);
  window.seenThere = watch(remote);
  const context = new AudioContext();
  window.ear = new AnalyserNode(context, { fftSize: 16384, smoothingTimeConstant: 0 });
  context.createMediaStreamSource(remote).connect(window.ear);
}
"""


@pytest.fixture
async def address(unused_tcp_port: int) -> Any:
    """Serve an empty page on loopback: a camera is given to a secure context only."""

    async def page(_request: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>self call</title>", content_type="text/html")

    application = web.Application()
    application.router.add_get("/", page)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
    yield f"http://127.0.0.1:{unused_tcp_port}/"
    await runner.cleanup()


@pytest.mark.parametrize(("end", "suffix"), [(End.RESIDENT, ".y4m"), (End.ADVISOR, ".mjpeg")])
async def test_picture_and_voice_are_recognised_behind_a_call(
    tmp_path: Path, address: str, end: End, suffix: str
) -> None:
    camera = write_camera(tmp_path / f"camera{suffix}", end)
    voice = write_voice(tmp_path / "voice.wav", end)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            chromium_sandbox=False,
            args=[
                "--disable-gpu",
                "--disable-background-networking",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={camera}",
                f"--use-file-for-fake-audio-capture={voice}",
                "--autoplay-policy=no-user-gesture-required",
            ],
        )
        try:
            page = await browser.new_page()
            await page.add_init_script(path=PAGE_SCRIPT)
            await page.goto(address)
            await page.evaluate(SELF_CALL)
            for seen in ("seenHere", "seenThere"):
                await expect_moving_marks(page, seen, end)
            await page.wait_for_function(f"cvqMarks.readVoice(ear) === '{end}'", timeout=20_000, polling=100)
        finally:
            await browser.close()


async def expect_moving_marks(page: Page, seen: str, end: End) -> None:
    await page.wait_for_function(f"new Set({seen}).size >= 15", timeout=20_000, polling=100)
    marks = await page.evaluate(seen)
    assert {mark.split()[0] for mark in marks} == {str(end)}
    frames = [int(mark.split()[1]) for mark in marks]
    assert sum(b > a for a, b in pairwise(frames)) >= 10
