// A classic script, for browsers that cannot run the page's modules: then at least the page says so.

addEventListener("load", function () {
  setTimeout(function () {
    if (document.documentElement.dataset.started === undefined) document.getElementById("not-started").hidden = false;
  }, 6000);
});
