// The layers of ARCHITECTURE.md as rules. tools/layers.test.ts runs them and proves that they fire.

const testFiles = "\\.(test|bench)\\.ts$|/testing/";

/** What the shipped sources of a package may import beside their own files. */
const layers = {
  core: { packages: [], thirdParty: [], nodeModules: false },
  machines: { packages: ["core"], thirdParty: [], nodeModules: false },
  runtime: { packages: ["core"], thirdParty: [], nodeModules: false },
  simulator: { packages: ["core", "runtime"], thirdParty: [], nodeModules: false },
  node: { packages: ["core", "machines", "runtime"], thirdParty: [], nodeModules: true },
  server: {
    packages: ["core", "machines", "runtime", "node"],
    thirdParty: ["fastify", "pino", "prom-client", "zod"],
    nodeModules: true,
  },
  synod: {
    packages: ["core", "machines", "runtime", "simulator", "node", "server"],
    thirdParty: ["commander"],
    nodeModules: true,
  },
};

/** Protocol folders that really build on another one: `variant: ["base"]`. */
const variants = { broadcast: ["paxos"] };

/** @param {string} name */
function layerRule(name) {
  const { packages, thirdParty, nodeModules } = layers[name];
  const allowed = [
    `^packages/(${[name, ...packages].join("|")})/`,
    ...thirdParty.map((dependency) => `(^|/)node_modules/${dependency}/`),
  ];
  const rule = {
    name: `${name}-layer`,
    comment: `${name} may import only: ${[...packages, ...thirdParty].join(", ") || "nothing"}`,
    severity: "error",
    from: { path: `^packages/${name}/src/`, pathNot: testFiles },
    to: { pathNot: allowed },
  };
  if (nodeModules) rule.to.dependencyTypesNot = ["core"];
  return rule;
}

function protocolRule() {
  const exempt = Object.keys(variants);
  return {
    name: "protocols-apart",
    comment: "A protocol folder never imports another one.",
    severity: "error",
    from: {
      path: "^packages/core/src/protocols/([^/]+)/",
      pathNot: exempt.map((variant) => `^packages/core/src/protocols/${variant}/`),
    },
    to: {
      path: "^packages/core/(src|dist)/protocols/",
      pathNot: "^packages/core/(src|dist)/protocols/$1/",
    },
  };
}

/** @param {[string, string[]]} entry */
function variantRule([variant, bases]) {
  return {
    name: `protocols-apart-${variant}`,
    severity: "error",
    from: { path: `^packages/core/src/protocols/${variant}/` },
    to: {
      path: "^packages/core/(src|dist)/protocols/",
      pathNot: `^packages/core/(src|dist)/protocols/(${[variant, ...bases].join("|")})/`,
    },
  };
}

export default {
  forbidden: [
    ...Object.keys(layers).map(layerRule),
    protocolRule(),
    ...Object.entries(variants).map(variantRule),
    {
      name: "contract-knows-no-protocol",
      comment: "The contract in core does not depend on those who implement it.",
      severity: "error",
      from: { path: "^packages/core/src/", pathNot: ["^packages/core/src/protocols/", testFiles] },
      to: { path: "^packages/core/(src|dist)/protocols/" },
    },
    {
      name: "host-knows-no-protocol",
      comment: "The host reaches a protocol through the contract only.",
      severity: "error",
      from: { path: "^packages/(runtime|machines)/src/", pathNot: testFiles },
      to: { path: "^packages/core/(src|dist)/protocols/" },
    },
    {
      name: "shipped-code-imports-no-test",
      severity: "error",
      from: { path: "^packages/[^/]+/src/", pathNot: testFiles },
      to: { path: testFiles },
    },
    {
      name: "no-deep-imports",
      comment: "Import a package by its name, not by a path into it.",
      severity: "error",
      from: { path: "^packages/([^/]+)/" },
      to: { path: "^packages/[^/]+/src/", pathNot: "^packages/$1/" },
    },
    {
      name: "no-cycles",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "resolvable",
      comment: "What cannot be resolved cannot be checked either. Not built yet?",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    parser: "swc",
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules|^packages/[^/]+/dist/" },
    exclude: { path: "/testdata/" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default"],
      extensions: [".ts", ".mjs", ".js", ".json"],
    },
  },
};
