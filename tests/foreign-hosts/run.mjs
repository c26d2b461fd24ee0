// Runs each component, as it is, in jco on Node against its simulated gateway: describe, settings, credit, inquiry,
// tracking, cancel. What counts is what the gateway's ledger holds in the end.
//
//   node run.mjs COMPONENTS GATEWAYS
//
// COMPONENTS: the folder with the components; GATEWAYS: the program that simulates the gateways.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { transpile, writeFiles } from '@bytecodealliance/jco-transpile';
import { lines } from './log.mjs';

const PROVIDERS = ['atobarai-com', 'np', 'atodene', 'score', 'kuroneko'];
/** How long a gateway may take until it listens, in milliseconds; it takes some ten. */
const START_LIMIT = 10_000;
/** A tracking number whose check digit is right. */
const SLIP = '100000000015';
const folder = import.meta.dirname;

const [components, gateways] = process.argv.slice(2).map((path) => resolve(path));
const scratch = mkdtempSync(join(tmpdir(), 'foreign-hosts-'));
try {
  for (const provider of PROVIDERS) await run(provider);
} finally {
  rmSync(scratch, { recursive: true });
}

async function run(id) {
  const gateway = await startGateway(id);
  try {
    await operate(id, await load(id), gateway);
  } catch (error) {
    throw new Error(`${id}: ${lines.splice(0).join('\n')}`, { cause: error });
  } finally {
    gateway.process.kill('SIGINT');
    await once(gateway.process, 'exit');
  }
}

/** The component as a JavaScript module; jco writes it, nothing of the component is changed. */
async function load(id) {
  const outDir = join(scratch, id);
  const { files } = await transpile(join(components, `${id}.wasm`), {
    name: id,
    outDir,
    noTypescript: true,
    wasiShim: false,
    asyncMode: 'jspi',
    asyncWasiImports: true,
    map: {
      'wasi:http/*': import.meta.resolve('@bytecodealliance/preview3-shim/http') + '#*',
      'deferred-payment:provider/log': pathToFileURL(join(folder, 'log.mjs')).href,
    },
  });
  await writeFiles(files);
  return (await import(pathToFileURL(join(outDir, `${id}.js`)))).paymentProvider;
}

async function startGateway(id) {
  const ready = join(scratch, `${id}.json`);
  const child = spawn(gateways, [id, '--ready-file', ready], { stdio: 'ignore' });
  for (let waited = 0; !existsSync(ready); waited += 10) {
    assert.equal(child.exitCode, null, `the gateway of ${id} ended`);
    assert.ok(waited < START_LIMIT, `the gateway of ${id} does not listen`);
    await sleep(10);
  }
  return { process: child, ...JSON.parse(readFileSync(ready, 'utf8')) };
}

/** What the merchant's papers say, found by the name that the form of settings has for it, else the usual value. */
function settingsOf(info, gateway) {
  const value = ({ key, label, kind, default: usual }) => {
    if (key === 'base-url') return gateway.base;
    const papers = Object.entries(gateway.merchant).find(([name]) => label.ja.includes(name));
    return papers?.[1] ?? usual ?? (kind.tag === 'choice' ? kind.val[0][0] : undefined);
  };
  return info.settings.map((field) => ({ key: field.key, value: value(field) })).filter(({ value }) => value !== undefined);
}

/** An order of 3,300 yen; the last four digits of the telephone number decide the verdict. */
function order(reference, verdictDigits) {
  const address = { postalCode: '150-0041', prefecture: '東京都', city: '渋谷区', street: '神南1-2-3' };
  const phone = `090-0000-${verdictDigits}`;
  return {
    reference,
    orderedOn: { year: 2026, month: 11, day: 20 },
    shipsOn: { year: 2026, month: 11, day: 21 },
    buyer: { name: '見本 花子', nameKana: 'ミホン ハナコ', address, phone, email: 'hanako@example.com' },
    items: [{ name: '見本の品', unitPrice: 1_400n, quantity: 2, taxRate: 10 }],
    shippingFee: 500n,
    paymentFee: 0n,
    billedAmount: 3_300n,
    invoice: 'separate',
  };
}

async function operate(id, plugin, gateway) {
  const info = plugin.describe();
  assert.equal(info.id, id);
  const context = { settings: settingsOf(info, gateway), now: BigInt(Date.parse('2026-11-20T03:00:00Z')) };
  plugin.checkSettings(context.settings);
  if (info.capabilities.testConnection) await plugin.testConnection(context);

  const fee = plugin.feeAdjust(
    { mode: 'add', bands: [{ lower: 0n, upper: 9_999n, fee: 330n }] },
    { items: 2_800n, shippingFee: 500n, paymentFee: 0n },
  );
  assert.equal(fee.billedAmount, 3_630n);

  const orders = [order('FH-1', '0001'), order('FH-2', '0002'), order('FH-3', '9001')];
  const verdicts = await inBatches(orders, info.batchLimits.credit, (batch) => plugin.credit(context, batch));
  const said = verdicts.map(({ tag, val }) => (tag === 'ok' ? val.verdict.tag : val.tag));
  assert.deepEqual(said, ['approved', 'approved', 'rejected'], JSON.stringify(verdicts, bigintAsNumber));

  const registrations = orders.map(({ reference, billedAmount }, at) => ({
    reference,
    billedAmount,
    transactionId: verdicts[at].val.transactionId,
  }));
  const [standing] = await plugin.checkCredit(context, [registrations[0]]);
  assert.equal(standing.val.tag, 'decided', JSON.stringify(standing, bigintAsNumber));

  const carrier = info.carriers.find(({ name }) => name.ja === '佐川急便').id;
  const shipment = { registration: registrations[0], carrier, trackingNumber: SLIP, shippedOn: { year: 2026, month: 11, day: 21 } };
  succeeded(await plugin.syncTracking(context, [shipment]));
  succeeded(await plugin.cancel(context, [{ registration: registrations[1], reason: '購入者の都合' }]));

  const ledger = await (await fetch(new URL('/ledger', gateway.control))).json();
  const held = Object.values(ledger.registrations)
    .map(({ reference, billed_amount, verdict, shipment, cancelled }) => [reference, billed_amount, verdict, shipment?.slip ?? null, cancelled])
    .sort();
  assert.deepEqual(held, [
    ['FH-1', 3_300, 'approved', SLIP, false],
    ['FH-2', 3_300, 'approved', null, true],
    ['FH-3', 3_300, 'rejected', null, false],
  ]);
  console.log(`${id}: ok (describe, settings, connection, fees, 3 credits, inquiry, tracking, cancel; the ledger agrees)`);
}

function succeeded([row]) {
  assert.equal(row.tag, 'ok', JSON.stringify(row, bigintAsNumber));
}

async function inBatches(rows, size, call) {
  const done = [];
  for (let at = 0; at < rows.length; at += size) done.push(...(await call(rows.slice(at, at + size))));
  return done;
}

function bigintAsNumber(_key, value) {
  return typeof value === 'bigint' ? Number(value) : value;
}
