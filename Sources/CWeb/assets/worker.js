// One stream of events for all pages of a browser, which opens only six connections to a server (HTTP/1.1).
import { follow } from "./stream.js";

const pages = new Set();
let end = null, isLive = false;

function tell(message, but) {
  if ("live" in message) isLive = message.live;
  for (const page of pages) if (page !== but) page.postMessage(message);
}

self.onconnect = ({ ports: [page] }) => {
  page.onmessage = ({ data: wish }) => {
    if (wish === "leave") pages.delete(page);
    else pages.add(page);
    // Somebody has signed in: the stream becomes his, and so do the other pages.
    if (wish === "anew") tell({ signedIn: true }, page);
    if (end && (wish === "anew" || !pages.size)) { end(); end = null; isLive = false; }
    if (!end && pages.size) end = follow(tell);
    else if (isLive) page.postMessage({ live: true });
  };
};
