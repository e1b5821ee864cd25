
      // After the styles, which it waits for, and the text: scripts hold up neither.
      addEventListener("DOMContentLoaded", () => {
        for (const { href } of document.querySelectorAll("link[as=script]")) {
          document.head.append(Object.assign(document.createElement("script"), { src: href, async: false }));
        }
      });
    
