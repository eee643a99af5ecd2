// A page that follows live: the server says "look again", the page is fetched anew, and the parts that live are replaced.
"use strict";
(function () {
  const address = document.currentScript.dataset.live;
  let looking = false, again = false;

  function busy() {  // somebody is choosing or writing: do not take it away
    const active = document.activeElement;
    return document.querySelector("[data-lives] details[open]") !== null ||
      (active !== null && active.matches("[data-lives] input, [data-lives] textarea, [data-lives] select"));
  }

  async function look() {
    if (looking) { again = true; return; }
    looking = true;
    try {
      const answer = await fetch(location.href, {headers: {Accept: "text/html"}, cache: "no-store"});
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (answer.ok && !busy()) document.querySelectorAll("[data-lives]").forEach(function (old) {
        const now = fresh.getElementById(old.id);
        if (now && now.innerHTML !== old.innerHTML) old.replaceWith(now);
      });
    } catch (error) { /* offline: the next hint, or the way back, looks again */ }
    looking = false;
    if (again) { again = false; look(); }
  }

  new EventSource(address).onmessage = look;
  document.addEventListener("visibilitychange", function () { if (!document.hidden) look(); });
})();
