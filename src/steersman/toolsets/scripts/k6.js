// A load profile of Steersman, as a k6 script. Run it by hand with: k6 run script.js
// All that is particular stands in PROFILE, as data; the code is the same for each profile.
import exec from 'k6/execution';
import http from 'k6/http';
import { sleep } from 'k6';
import { Counter, Trend } from 'k6/metrics';

const PROFILE = /*PROFILE*/;

const latency = new Trend('steer_latency', true);
const late = new Trend('steer_late', true);
const requests = new Counter('steer_requests');
const failures = new Counter('steer_failures');
const started = new Counter('steer_started');
const errors = Object.fromEntries(PROFILE.kinds.map((kind) => [kind, new Counter(`steer_error_${kind}`)]));
http.setResponseCallback(null);

export const options = {
  scenarios: { load: PROFILE.scenario },
  thresholds: Object.fromEntries(PROFILE.metrics.map((name) => [name, []])), // makes k6 report these parts
  summaryTrendStats: PROFILE.statistics,
  systemTags: [],
  maxRedirects: 0,
  discardResponseBodies: true,
  userAgent: 'steersman-load/1',
};

// Seconds after the start at which the journey of that number is due.
function due(number) {
  const segment = PROFILE.segments.findLast((s) => s.before <= number) || PROFILE.segments[0];
  const missing = number - segment.before;
  const slope = (segment.end - segment.begin) / segment.duration;
  if (slope === 0) return segment.start + missing / segment.begin;
  return segment.start + (Math.sqrt(segment.begin ** 2 + 2 * slope * missing) - segment.begin) / slope;
}

// Number of the block that an instant lies in; -1 in the warm-up and after the end.
function blockAt(seconds) {
  const edges = PROFILE.edges;
  if (seconds < edges[0] || seconds >= edges[edges.length - 1]) return -1;
  return Math.min(Math.floor((seconds - edges[0]) / (edges[1] - edges[0])), edges.length - 2);
}

function chosen() {
  let left = Math.random() * PROFILE.journeys.reduce((sum, journey) => sum + journey.weight, 0);
  return PROFILE.journeys.find((journey) => (left -= journey.weight) < 0) || PROFILE.journeys[0];
}

function kindOf(response, expected) {
  const code = response.error_code;
  if (response.status === 0 || (code > 0 && code < 1400)) {
    if (code === 1050 || code === 1211) return 'timeout';
    if (code === 1212) return 'refused';
    if (code === 1220 || code === 1201 || code === 1202) return 'reset';
    if (code >= 1100 && code < 1200) return 'dns';
    if (code >= 1300 && code < 1400) return 'tls';
    return 'other';
  }
  const good = expected.length ? expected.includes(response.status) : response.status >= 200 && response.status < 400;
  if (good) return '';
  const hundreds = Math.floor(response.status / 100);
  return hundreds >= 3 && hundreds <= 5 ? `http_${hundreds}xx` : 'http_other';
}

function ask(request, headers, seconds) {
  const response = http.request(request.method, PROFILE.target + request.path, request.body, {
    headers,
    timeout: PROFILE.timeout_ms,
    jar: new http.CookieJar(), // no request remembers another one
  });
  const block = blockAt(seconds);
  if (block < 0) return;
  const kind = kindOf(response, request.expect);
  const tags = { block: `b${block}`, step: request.id };
  requests.add(1, tags);
  if (kind) {
    failures.add(1, tags);
    errors[kind].add(1);
  } else {
    const timings = response.timings;
    latency.add(timings.blocked + timings.connecting + timings.tls_handshaking + timings.duration, tags);
  }
}

export default function () {
  const since = () => (Date.now() - exec.scenario.startTime) / 1000;
  const begun = since();
  const journey = chosen();
  if (blockAt(begun) >= 0) {
    started.add(1);
    if (PROFILE.open) late.add(Math.max(begun - due(exec.scenario.iterationInTest), 0) * 1000);
  }
  journey.requests.forEach((request, index) => {
    const headers = Object.fromEntries(request.headers);
    if (PROFILE.auth_header) headers[PROFILE.auth_header] = __ENV[PROFILE.auth_variable] || '';
    ask(request, headers, since());
    if (journey.think_s > 0 && (!PROFILE.open || index + 1 < journey.requests.length)) sleep(journey.think_s);
  });
}

export function handleSummary(data) {
  return { 'summary.json': JSON.stringify(data) };
}
