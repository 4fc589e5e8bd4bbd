// What a complete run of the conformance suite 0.2.0-alpha.12 has: each scenario, the versions that it applies to, and how
// many of its checks succeed when everything is right. A number that differs, either way, is a failure: a check that is
// skipped because the server does not offer something would otherwise vanish without a trace.

export const VERSIONS = ['2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'];
const [V0326, V0618, V1125, V0728] = VERSIONS;
const HANDSHAKE = [V0618, V1125];
const ALL = [...HANDSHAKE, V0728];

/** Where the suite runs extension scenarios, and each other scenario at a version that it chooses. */
export const OWN_WIRE = 'own';

// name, versions, successes at each (or at all).
const rows = [
  ['server-initialize', HANDSHAKE, 3],
  ['server-session-lifecycle', [V0326, ...HANDSHAKE], 3],
  ['server-sse-multiple-streams', [V1125, V0728], 1],
  ['server-sse-polling', [V1125], 3],
  ['dns-rebinding-protection', [V1125, V0728], 2],
  ['server-stateless', [V0728], 30],
  ['http-header-validation', [V0728], 14],
  ['http-custom-header-server-validation', [V0728], 10],
  ['caching', [V0728], 8],
  ['ping', HANDSHAKE, 2],
  ['logging-set-level', HANDSHAKE, 2],
  ['completion-complete', ALL, 2],
  ['tools-list', ALL, [2, 3, 4]],
  ...['simple-text', 'image', 'audio', 'embedded-resource', 'mixed-content', 'error', 'with-progress'].map((name) => [`tools-call-${name}`, ALL, 2]),
  ...['with-logging', 'sampling', 'elicitation'].map((name) => [`tools-call-${name}`, HANDSHAKE, 2]),
  ['elicitation-sep1034-defaults', [V1125], 6],
  ['elicitation-sep1330-enums', [V1125], 6],
  ['json-schema-2020-12', [V1125, V0728], 8],
  ...['list', 'read-text', 'read-binary', 'templates-read'].map((name) => [`resources-${name}`, ALL, 2]),
  ...['subscribe', 'unsubscribe'].map((name) => [`resources-${name}`, HANDSHAKE, 2]),
  ['sep-2164-resource-not-found', [V0728], 4],
  ...['list', 'get-simple', 'get-with-args', 'get-embedded-resource', 'get-with-image'].map((name) => [`prompts-${name}`, ALL, 2]),
  ...Object.entries({
    'basic-elicitation': 3,
    'basic-sampling': 3,
    'basic-list-roots': 3,
    'request-state': 3,
    'multiple-input-requests': 3,
    'multi-round': 4,
    'missing-input-response': 2,
    'ignore-extra-params': 2,
    'validate-input': 3,
    'non-tool-request': 3,
    'result-type': 2,
    'unsupported-methods': 2,
    'tampered-state': 2,
    'capability-check': 2,
  }).map(([name, successes]) => [`input-required-result-${name}`, [V0728], successes]),
];

// Of extensions: they run only where no version is asked for.
const extensionRows = [
  ['tasks-capability-negotiation', 5],
  ['tasks-lifecycle', 9],
  ['tasks-wire-fields', 4],
  ['tasks-request-state-removal', 3],
  ['tasks-mrtr-input', 4],
  ['tasks-request-headers', 5],
  ['tasks-dispatch-and-envelope', 9],
  ['tasks-required-task-error', 3],
  ['tasks-mrtr-composition', 2],
  ['tasks-status-notifications', 0],
  ['sep-2640-skills-enumeration', 32],
  ['sep-2640-skills-directory', 7],
  ['sep-2640-skills-manifest', 6],
];

/** Checks that are neither good nor bad, by scenario: those that the suite always reports so. */
export const NEUTRAL = {
  // Notes, one for each event that it saw: a stream that is resumed begins with a priming event, too.
  'server-sse-polling': { INFO: 8 },
  'tasks-status-notifications': { SKIPPED: 1 },
};

/** Where a check may be INFO and not SUCCESS: a `tools/list` that is answered as JSON is no stream to read. */
export const INFO_FOR_SUCCESS = 'server-sse-multiple-streams';

/** Scenario -> version (or OWN_WIRE) -> successes. */
export const EXPECTED = new Map();
for (const [name, versions, successes] of rows) {
  const counts = new Map(versions.map((version, index) => [version, Array.isArray(successes) ? successes[index] : successes]));
  // Without a version asked for, a scenario runs at 2025-11-25 unless it came later.
  EXPECTED.set(name, counts.set(OWN_WIRE, counts.get(V1125) ?? counts.get(V0728)));
}
for (const [name, successes] of extensionRows) EXPECTED.set(name, new Map([[OWN_WIRE, successes]]));

/**
 * The cells of the matrix: `{scenario, version, runs}`, the runs being those in which the scenario speaks that version. An
 * extension's scenarios speak the newest.
 */
export function pairs() {
  return [...EXPECTED].flatMap(([scenario, counts]) => {
    const versions = VERSIONS.filter((version) => counts.has(version));
    const own = counts.has(V1125) ? V1125 : V0728;
    return (versions.length > 0 ? versions : [own]).map((version) => ({
      scenario,
      version,
      runs: [...(counts.has(version) ? [version] : []), ...(version === own ? [OWN_WIRE] : [])],
    }));
  });
}
