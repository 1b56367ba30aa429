"use strict";
// Fetches the middle of the Memory page again every few seconds, and counts down in between. Without it the page reloads.
(() => {
  const now = document.getElementById("memory-now");
  const stale = document.getElementById("memory-stale");
  const every = Number(now.dataset.seconds) * 1000;
  let underWay = false;
  let lastHeard = Date.now();

  async function refresh() {
    if (document.hidden || underWay) return;
    underWay = true;
    try {
      const answer = await fetch(now.dataset.url, { credentials: "same-origin", signal: AbortSignal.timeout(every * 3) });
      if (answer.redirected) return void window.location.reload(); // logged out
      if (!answer.ok) throw new Error(String(answer.status));
      now.innerHTML = await answer.text();
      lastHeard = Date.now();
    } catch {
      // said below once it has lasted
    } finally {
      underWay = false;
      stale.hidden = Date.now() - lastHeard < every * 4;
    }
  }

  function countDown() {
    for (const left of now.querySelectorAll(".countdown")) {
      left.textContent = String(Math.max(0, Number(left.textContent) - 1));
    }
  }

  setInterval(refresh, every);
  setInterval(countDown, 1000);
  document.addEventListener("visibilitychange", refresh);
})();
