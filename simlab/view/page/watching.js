/** Watching: what is new in a live run is read as it comes, also after a connection was lost. */

const RETRY_MS = [500, 1000, 2000, 5000];

/** Keep the view of a run up to date until the run has ended, or the view is closed. */
export async function watch(view) {
  let failures = 0;
  while (!view.closed) {
    if (document.hidden) await new Promise((resolve) => addEventListener("visibilitychange", resolve, { once: true }));
    const began = Date.now();
    try {
      await view.readNews();
      view.head();
      if (failures) view.note("");
      failures = 0;
    } catch (error) {
      failures += 1;
      const isGone = error.status >= 400 && error.status < 500;
      view.note(isGone ? `The run cannot be read any more: ${error.message}` : `Not connected: ${error.message}. Trying again; nothing is missed.`);
    }
    const wait = failures ? RETRY_MS[Math.min(failures, RETRY_MS.length) - 1] : 500 - (Date.now() - began);
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    if (view.overview.state === "finished" && !failures) return;
  }
}
