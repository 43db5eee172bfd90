// The time of the picture while a race runs. It is half a second behind, so that a call is known before its dot has to
// leave.

const behind = 500; // ms

export class LivePicture {
  // show(time) draws a moment of the race, once a frame.
  constructor(show) {
    this.show = show;
    this.frame = 0;
    this.latest = null;
  }

  get isRunning() {
    return this.frame !== 0;
  }

  // The server has just said how long the load has run.
  note(elapsed) {
    this.latest = { elapsed, at: performance.now() };
  }

  time() {
    return this.latest === null ? -behind : this.latest.elapsed + performance.now() - this.latest.at - behind;
  }

  start(length) {
    const draw = () => {
      this.frame = requestAnimationFrame(draw);
      this.show(Math.max(0, Math.min(length, this.time())));
    };
    this.frame = requestAnimationFrame(draw);
  }

  stop() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.latest = null;
  }

  // Resolves when the picture has reached the end.
  reach(length) {
    const left = this.isRunning ? Math.max(0, length - this.time()) : 0;
    return new Promise((resolve) => { setTimeout(resolve, Math.min(left, behind * 2)); });
  }
}
