/** Where everything goes: one resource group in one region. */
import { getProject, getStack, type CustomResourceOptions } from "@pulumi/pulumi";
import { ResourceGroup } from "@pulumi/azure-native/resources/resourceGroup.js";
import type { Config } from "./config.ts";
import { namesOf, type Names } from "./names.ts";

/** What every resource is told. */
export interface Place {
  readonly names: Names;
  readonly subscriptionId: string;
  readonly tenantId: string;
  /** Arguments of whatever lies in the resource group. */
  readonly within: { readonly resourceGroupName: ResourceGroup["name"] };
  /** Arguments of whatever also has a region and tags. */
  readonly located: Place["within"] & { readonly location: string; readonly tags: Readonly<Record<string, string>> };
  /** Options of what holds data: it is not deleted unless the configuration says so, neither by `destroy` nor by a change of the program. */
  readonly keep: CustomResourceOptions;
}

/** Makes the resource group. */
export function makePlace(config: Config): Place {
  const { location, subscriptionId, tenantId } = config;
  const project = getProject();
  const stack = getStack();
  const names = namesOf({ project, stack, subscriptionId });
  const tags = { project, stack };
  const group = new ResourceGroup("group", { resourceGroupName: names.resourceGroup, location, tags });
  const within = { resourceGroupName: group.name };
  return {
    names,
    subscriptionId,
    tenantId,
    within,
    located: { ...within, location, tags },
    keep: { protect: config.protectData },
  };
}
