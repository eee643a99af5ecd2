// A page that follows live: the server says "look again", the page is fetched anew, and the parts that live are replaced.
"use strict";
(function () {
  const address = document.currentScript.dataset.live;
  let looking = false, again = false, later = 0;

  function busy() {  // somebody is choosing, writing or pressing: do not take it away
    const active = document.activeElement;
    return document.querySelector("[data-lives] details[open], [data-lives] :active") !== null ||
      (active !== null && active.matches("[data-lives] input, [data-lives] textarea, [data-lives] select"));
  }

  function wait() {  // until he is done
    if (!later) later = setTimeout(function () { later = 0; look(); }, 1000);
  }

  async function look() {
    if (busy()) { wait(); return; }
    if (looking) { again = true; return; }
    looking = true;
    try {
      const answer = await fetch(location.href, {headers: {Accept: "text/html"}, cache: "no-store"});
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (busy()) wait();
      else if (answer.ok) document.querySelectorAll("[data-lives]").forEach(function (old) {
        const now = fresh.getElementById(old.id);
        if (now && now.innerHTML !== old.innerHTML) old.replaceWith(now);
      });
    } catch (error) { /* offline: the next hint, or the way back, looks again */ }
    looking = false;
    if (again) { again = false; look(); }
  }

  const hints = new EventSource(address);
  hints.onopen = hints.onmessage = look;  // also for what changed before the server began to compare
  document.addEventListener("visibilitychange", function () { if (!document.hidden) look(); });
})();
