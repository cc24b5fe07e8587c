import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Readable, Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { findExecutable } from '../stack/system/find-executable';

/** A page without requests is drawn at once. */
const DRAWN_MS = 500;

interface Answer {
  id?: number;
  result?: Record<string, unknown>;
  error?: { message: string };
}

/**
 * A headless Chromium, spoken to by its DevTools protocol through two pipes (descriptors 3 and 4), messages ended by a
 * zero byte: no WebSocket and no package is needed for that.
 */
class Browser {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<
    number,
    { resolve: (answer: Answer) => void; reject: (error: Error) => void }
  >();
  #id = 0;
  #buffered = '';

  constructor(
    executable: string,
    profile: string,
    private readonly size: { width: number; height: number },
  ) {
    const args = [
      '--headless=new',
      '--remote-debugging-pipe',
      '--no-first-run',
      '--disable-gpu',
      '--hide-scrollbars',
    ];
    // As root, as in a container, Chromium refuses its sandbox; it shows pages of our own server only.
    if (process.getuid?.() === 0) args.push('--no-sandbox', '--disable-dev-shm-usage');
    this.#process = spawn(executable, [...args, `--user-data-dir=${profile}`, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    });
    const failAll = (error: Error) => {
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    };
    this.#process.once('error', failAll);
    this.#process.once('exit', (code) => failAll(new Error(`${executable} ended with ${String(code)}`)));
    (this.#process.stdio[4] as Readable)
      .setEncoding('utf8')
      .on('data', (text: string) => this.#receive(text));
    (this.#process.stdio[3] as Writable).on('error', failAll);
  }

  /** A PNG of a page as it looks some time after it was asked for. */
  async picture(url: string, settleMs: number): Promise<Buffer> {
    const { targetId } = await this.#ask<{ targetId: string }>('Target.createTarget', {
      url: 'about:blank',
    });
    const { sessionId } = await this.#ask<{ sessionId: string }>('Target.attachToTarget', {
      targetId,
      flatten: true,
    });
    await this.#ask(
      'Emulation.setDeviceMetricsOverride',
      { ...this.size, deviceScaleFactor: 1, mobile: false },
      sessionId,
    );
    await this.#ask('Page.navigate', { url }, sessionId);
    await sleep(settleMs);
    const { data } = await this.#ask<{ data: string }>(
      'Page.captureScreenshot',
      { format: 'png', optimizeForSpeed: false },
      sessionId,
    );
    await this.#ask('Target.closeTarget', { targetId });
    return Buffer.from(data, 'base64');
  }

  async close(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGTERM');
    await Promise.race([ended, sleep(5_000, undefined, { ref: false })]);
    this.#process.kill('SIGKILL');
  }

  async #ask<T>(method: string, params: object, sessionId?: string): Promise<T> {
    const id = ++this.#id;
    const answer = await new Promise<Answer>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      const message = { id, method, params, ...(sessionId === undefined ? {} : { sessionId }) };
      (this.#process.stdio[3] as Writable).write(`${JSON.stringify(message)}\0`);
    });
    if (answer.error !== undefined) throw new Error(`Chromium, ${method}: ${answer.error.message}`);
    return answer.result as T;
  }

  #receive(text: string): void {
    const messages = (this.#buffered + text).split('\0');
    this.#buffered = messages.pop() ?? '';
    for (const message of messages) {
      const answer = JSON.parse(message) as Answer;
      if (answer.id === undefined) continue; // an event
      this.#waiting.get(answer.id)?.resolve(answer);
      this.#waiting.delete(answer.id);
    }
  }
}

/** A browser of the machine's Chromium, with a profile of its own, for as long as the work takes. */
export async function withBrowser<T>(
  size: { width: number; height: number },
  work: (browser: Browser) => Promise<T>,
): Promise<T> {
  const profile = mkdtempSync(join(tmpdir(), 'orders-stream-chromium-'));
  const browser = new Browser(chromium(), profile, size);
  try {
    return await work(browser);
  } finally {
    await browser.close();
    await sleep(200); // its helpers may still be writing
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** A picture of a page that asks nobody for anything. */
export async function pictureOf(html: string, size: { width: number; height: number }): Promise<Buffer> {
  const directory = mkdtempSync(join(tmpdir(), 'orders-stream-page-'));
  try {
    const page = join(directory, 'page.html');
    writeFileSync(page, html);
    return await withBrowser(size, (browser) => browser.picture(pathToFileURL(page).href, DRAWN_MS));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The Chromium of this machine; an error says how to name one. */
function chromium(): string {
  const named = process.env['CHROMIUM'];
  if (named) return named;
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const found = names.map((name) => findExecutable(name)).find((path) => path !== undefined);
  if (found === undefined)
    throw new Error(`None of ${names.join(', ')} is on the PATH: install one, or set CHROMIUM to its path.`);
  return found;
}
