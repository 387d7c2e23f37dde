/** Where threads and processes of this package start from. */

/**
 * The URL of a module of this package, for a thread or a process to start from.
 *
 * What JSR makes of a package for npm has JavaScript beside TypeScript, and Deno runs no TypeScript
 * in `node_modules`: the module is of the kind that `from` is of. JSR makes JavaScript only of what
 * the exports lead to, and sees no URLs; so whoever starts a module also imports a type from it.
 *
 * @param name Its name without an extension.
 * @param from `import.meta.url` of a module in the same folder.
 */
export function moduleBeside(name: string, from: string): URL {
  return new URL(`./${name}.${from.endsWith(".js") ? "js" : "ts"}`, from);
}

/** What a Worker is started from: Deno's `node:worker_threads` takes no module from the web. */
export function workerUrl(module: URL): URL {
  if (module.protocol === "file:") return module;
  const source = `import ${JSON.stringify(module.href)};`;
  return new URL(`data:text/javascript,${encodeURIComponent(source)}`);
}
