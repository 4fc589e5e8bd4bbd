// Somebody who only wants whoami, in a thread of its own: what a test's own thread is busy with does not slow it.

import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

import { callWhoami } from './mcp.js';

/** Calls whoami again and again while `work` lasts. Returns what `work` does, how many calls there were, and the slowest. */
export async function withBystander({ mcpUrl, token }, work) {
  const worker = new Worker(new URL(import.meta.url), { workerData: { mcpUrl, token } });
  const ended = new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  await new Promise((resolve) => worker.once('online', resolve));
  let value;
  try {
    value = await work();
  } finally {
    worker.postMessage('stop');
  }
  return { value, ...(await ended) };
}

async function callUntilStopped() {
  const { mcpUrl, token } = workerData;
  let stopped = false;
  parentPort.once('message', () => (stopped = true));
  const report = { calls: 0, slowestMs: 0, bad: undefined };
  do {
    const beganMs = performance.now();
    const { status, body } = await callWhoami({ mcpUrl }, token).catch((error) => ({ status: String(error) }));
    if (status !== 200 || !body?.result || body.result.isError) report.bad ??= `${status} ${JSON.stringify(body)}`;
    report.slowestMs = Math.max(report.slowestMs, performance.now() - beganMs);
    ++report.calls;
  } while (!stopped);
  parentPort.postMessage(report);
}

if (!isMainThread && workerData?.mcpUrl) await callUntilStopped();
