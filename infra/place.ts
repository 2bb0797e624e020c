/** Where everything goes: one resource group in one region, and within the program one part per purpose. */
import {
  ComponentResource,
  getProject,
  getStack,
  output,
  rootStackResource,
  type CustomResourceOptions,
  type Output,
  type ResourceTransformation,
} from "@pulumi/pulumi";
import { ResourceGroup } from "@pulumi/azure-native/resources/resourceGroup.js";
import type { Config } from "./config.ts";
import { namesOf, type Names } from "./names.ts";

/** What every resource is told. */
export interface Place {
  readonly names: Names;
  readonly subscriptionId: string;
  readonly tenantId: string;
  /** Arguments of whatever lies in the resource group. */
  readonly within: { readonly resourceGroupName: Output<string> };
  /** Arguments of whatever also has a region and tags. */
  readonly located: Place["within"] & { readonly location: string; readonly tags: Readonly<Record<string, string>> };
  /** Options of every resource: the part that it belongs to. */
  readonly options: CustomResourceOptions;
  /** Options of what holds data: it is not deleted unless the configuration says so, neither by `destroy` nor by a change of the program. */
  readonly keep: CustomResourceOptions;
}

/** Makes the resource group, unless there is one to go to. */
export function makePlace(config: Config): Place {
  const { location, subscriptionId, tenantId, existingResourceGroup, nameSalt } = config;
  const project = getProject();
  const stack = getStack();
  const names = namesOf({ project, stack, subscriptionId, salt: nameSalt });
  const tags = { project, stack };
  const resourceGroupName =
    existingResourceGroup === undefined
      ? new ResourceGroup(
          "group",
          { resourceGroupName: names.resourceGroup, location, tags },
          { transformations: [withoutVersions] },
        ).name
      : output(existingResourceGroup);
  const within = { resourceGroupName };
  return {
    names,
    subscriptionId,
    tenantId,
    within,
    located: { ...within, location, tags },
    options: {},
    keep: { protect: config.protectData },
  };
}

/**
 * Takes from a resource the types that it has by version of Azure's API, which the library declares as its former ones, twenty and more: no
 * program of this project ever named a version, and preparing them was half of what a resource cost.
 */
const withoutVersions: ResourceTransformation = ({ props, opts }) => ({
  props,
  opts: {
    ...opts,
    ...(opts.aliases !== undefined && { aliases: opts.aliases.filter((alias) => !isVersioned(alias)) }),
  },
});

/** Of one version, such as `azure-native:storage/v20240101:StorageAccount`; types of another service are kept, which a resource moves between. */
function isVersioned(alias: object | string): boolean {
  return typeof alias === "object" && "type" in alias && /\/v\d{8}\w*:/.test(String(alias.type));
}

/** A group of resources with one purpose, as `pulumi up` shows it. */
class Part extends ComponentResource {
  constructor(name: string) {
    super(`dyne:infra:${name}`, `part/${name}`, {}, { transformations: [withoutVersions] });
  }

  /** Says that all of it has been asked for. */
  end(): void {
    this.registerOutputs({});
  }
}

/**
 * Makes resources as a part of the deployment: `make` gets the place with options that name the part. A resource that an earlier program made
 * outside of any part is the same one still.
 */
export function inPart<Made>(place: Place, name: string, make: (place: Place) => Made): Made {
  const part = new Part(name);
  const options = { parent: part, aliases: [{ parent: rootStackResource }] };
  const made = make({ ...place, options: { ...place.options, ...options }, keep: { ...place.keep, ...options } });
  part.end();
  return made;
}
