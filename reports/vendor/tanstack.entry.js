// What the findings table uses of TanStack Table and TanStack Virtual; README.md says how the bundle is made of it.
export {
  columnFilteringFeature, columnGroupingFeature, constructTable, createExpandedRowModel, createFilteredRowModel,
  createGroupedRowModel, createSortedRowModel, rowExpandingFeature, rowSortingFeature, tableFeatures,
} from "@tanstack/table-core";
export { storeReactivityBindings } from "@tanstack/table-core/store-reactivity-bindings";
export { Virtualizer, elementScroll, observeElementOffset, observeElementRect, measureElement } from "@tanstack/virtual-core";
