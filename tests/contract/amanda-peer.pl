# SPDX-License-Identifier: BSD-2-Clause
# Amanda's own device, told what to do by amanda-peer-t.c:
#
#     write|append DIR LABEL DATA...   a dump of each data file, after a label
#     read DIR OUT                     all dumps; their data go to OUT/NUMBER
#
# Says what it does in lines that the test compares.
use strict;
use warnings;
use lib glob("/usr/lib/*/amanda/perl");
use Amanda::Config qw(:init);
use Amanda::Device qw(:constants);
use Amanda::Header;
use Amanda::MainLoop;
use Amanda::Xfer qw(:constants);

my ($what, $dir, @args) = @ARGV;
my $stamp = "20260102030405";

config_init(0, undef);
my $device = Amanda::Device->new("file:$dir");
fail() if $device->status() != $DEVICE_STATUS_SUCCESS;
$what eq "read" ? read_all(@args) : write_all(@args);
exit 0;

sub fail {
    print "failed: ", $device->error_or_status(), "\n";
    exit 1;
}

# All data of a dump; the device pads its last block with zeros.
sub transfer {
    my $xfer = Amanda::Xfer->new(\@_);

    $xfer->start(sub {
        my ($from, $message) = @_;

        print "failed: $message->{message}\n"
            if $message->{type} == $XMSG_ERROR;
        Amanda::MainLoop::quit() if $message->{type} == $XMSG_DONE;
    });
    Amanda::MainLoop::run();
}

sub write_all {
    my ($label, @data) = @_;

    if ($what eq "append") {
        fail() if $device->read_label() != $DEVICE_STATUS_SUCCESS;
        $device->start($ACCESS_APPEND, undef, undef) or fail();
    } else {
        $device->start($ACCESS_WRITE, $label, $stamp) or fail();
    }
    for my $path (@data) {
        my $header = Amanda::Header->new();

        $header->{type} = $Amanda::Header::F_DUMPFILE;
        $header->{datestamp} = $stamp;
        $header->{name} = "host.example.org";
        $header->{disk} = "/a b/c_d:e\\f \"g\"";
        $header->{dumplevel} = 3;
        $header->{compressed} = 0;
        $header->{comp_suffix} = ".raw";
        $header->{program} = "GNUTAR";
        $device->start_file($header) or fail();
        open(my $in, "<:raw", $path) or die "$path: $!";
        transfer(Amanda::Xfer::Source::Fd->new(fileno($in)),
            Amanda::Xfer::Dest::Device->new($device, 0));
        print "wrote ", $device->file(), "\n";
    }
    $device->finish() or fail();
}

sub read_all {
    my ($out) = @_;

    fail() if $device->read_label() != $DEVICE_STATUS_SUCCESS;
    print "label ", $device->volume_label(), "\n";
    $device->start($ACCESS_READ, undef, undef) or fail();
    for (my $n = 1;; $n++) {
        my $header = $device->seek_file($n) or fail();
        last if $header->{type} == $Amanda::Header::F_TAPEEND;
        $n = $device->file();
        print "file $n $header->{name} $header->{disk} ",
            "$header->{dumplevel}\n";
        open(my $to, ">:raw", "$out/$n") or die "$out/$n: $!";
        transfer(Amanda::Xfer::Source::Device->new($device),
            Amanda::Xfer::Dest::Fd->new(fileno($to)));
        close($to) or die;
    }
    print "end\n";
}
