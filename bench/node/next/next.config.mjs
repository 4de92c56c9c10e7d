// better-sqlite3 is a native module: not bundled. The rest turns off what the other servers don't do either.
export default {
  serverExternalPackages: ['better-sqlite3'],
  poweredByHeader: false,
  compress: false,
  turbopack: { root: new URL('..', import.meta.url).pathname },
}
