/** notifier: what Event Grid with a storage queue does in Azure, for the emulated account `lake`. */
export type { NoticeHabits } from "./announcements.ts";
export type { EventGridEvent } from "./event-grid-event.ts";
export { startNotifier, type Notifier, type NotifierCounts, type NotifierOptions } from "./notifier.ts";
export type { NoticeSubscription } from "./subscription.ts";
