/** The package's build that carries its WebAssembly inside, for bundles; it says its types for the other build alone. */
declare module "roaring-wasm/browser" {
  export * from "roaring-wasm";
}
