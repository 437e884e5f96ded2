// Runs while no page is open: shows what the service pushed, and opens the case that it is about.

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));

addEventListener("push", (event) => {
  const { title, body, link, tag } = event.data?.json() ?? {};
  if (title) event.waitUntil(registration.showNotification(title, { body, tag, data: { link } }));
});

addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(goTo(new URL(event.notification.data.link ?? "/", location.origin)));
});

async function goTo(target) {
  if (target.origin !== location.origin) return;
  const pages = await clients.matchAll({ type: "window" });
  const open = pages.find((page) => new URL(page.url).pathname === target.pathname);
  if (!open) return clients.openWindow(target.href);
  await open.navigate(target.href);
  return open.focus();
}
