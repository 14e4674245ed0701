import { Show } from "solid-js";
import type { Server } from "../api/types";
import { Dialog } from "./dialog";

export function DeleteDialog(props: { server: Server | undefined; onClose: () => void; onDelete: (server: Server) => void }) {
  return (
    <Dialog open={props.server !== undefined} onClose={props.onClose} title="Delete this workspace?" narrow>
      <Show when={props.server}>
        {(server) => (
          <>
            <p>
              <b>{server().name}</b> and everything in it that is not on a retained volume will be gone. To only free its
              resources, stop it.
            </p>
            <div class="buttons">
              <button type="button" onClick={() => props.onClose()}>
                Keep it
              </button>
              <button
                type="button"
                class="danger"
                onClick={() => {
                  props.onDelete(server());
                  props.onClose();
                }}
              >
                Delete
              </button>
            </div>
          </>
        )}
      </Show>
    </Dialog>
  );
}
