//! Tries what the standard library offers: files, sockets, environment, arguments, processes, clocks.

use std::io::Read as _;
use std::net::{TcpListener, TcpStream, ToSocketAddrs as _, UdpSocket};

use super::List;

/// See the module.
pub const ALL: List = &[("wasi", |evil, file, report| {
    let mut got: Vec<String> = Vec::new();
    let mut tell = |what: &str, worked: bool| {
        if worked {
            got.push(what.to_owned());
        }
    };
    tell("read /etc/passwd", std::fs::read("/etc/passwd").is_ok());
    tell("read relative", std::fs::read("wasi.evil").is_ok());
    tell("list", std::fs::read_dir("/").is_ok() || std::fs::read_dir(".").is_ok());
    tell("write", std::fs::write("/tmp/scanhost-evil", "x").is_ok() || std::fs::write("owned", "x").is_ok());
    tell("environment", std::env::vars_os().next().is_some());
    tell("arguments", std::env::args_os().next().is_some());
    tell("tcp", TcpStream::connect("127.0.0.1:22").is_ok() || TcpStream::connect("1.1.1.1:80").is_ok());
    tell("listen", TcpListener::bind("127.0.0.1:0").is_ok());
    tell("udp", UdpSocket::bind("127.0.0.1:0").is_ok_and(|socket| socket.send_to(b"x", "127.0.0.1:53").is_ok()));
    tell("names", ("localhost", 80).to_socket_addrs().is_ok_and(|mut found| found.next().is_some()));
    tell("input", std::io::stdin().read(&mut [0; 8]).is_ok_and(|n| n > 0));
    tell("process", std::process::Command::new("/bin/sh").spawn().is_ok());
    let (one, two) = (std::time::Instant::now(), std::time::SystemTime::now());
    let mut n = 0_u32;
    while n < 1_000_000 {
        n = std::hint::black_box(n + 1);
    }
    tell("moving clock", one.elapsed().as_nanos() > 0 || two.elapsed().is_ok_and(|time| time.as_nanos() > 0));
    report.finding(evil.note(file, format!("got: {}.", got.join(", "))));
    Ok(())
})];
